"""The page of a run: one HTML file with verdict, dataflow graph, timing chart, physics and resources, and its figures.

Pure functions from a report and the folder of its run to text and figures; `codesign.page.render` puts them together.
"""
