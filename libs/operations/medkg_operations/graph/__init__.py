"""The knowledge graph: asked, and looked after."""
