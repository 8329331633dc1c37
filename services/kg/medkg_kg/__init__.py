"""The KG stage: a document's entities and claims into the knowledge graph."""
