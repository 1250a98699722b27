"""The C front end: kernel source text to functions and control-flow graphs, one function at a time."""
