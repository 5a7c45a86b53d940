"""Front ends: trained models become integer graphs."""
