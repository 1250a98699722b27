"""How well the constructor check finds real and planted mistakes in real kernels, and how quiet it is otherwise."""
