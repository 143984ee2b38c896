"""Breaking a request at every boundary that it crosses, and looking at what is left."""
