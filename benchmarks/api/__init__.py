"""How fast the API answers with 100,000 series, and whether it keeps to its schema."""
