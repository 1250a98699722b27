"""How long pages take when there are very many series."""
