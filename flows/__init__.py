"""The flow: one file a tool, `run.py` for the steps, `designs/` for the designs."""
