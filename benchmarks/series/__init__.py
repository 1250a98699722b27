"""How series, versions and trailers agree with those that b4 sees in real mail."""
