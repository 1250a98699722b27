"""How long a verdict of the compiler takes, against make by hand."""
