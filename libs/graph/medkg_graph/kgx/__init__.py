"""The graph as KGX files (https://github.com/biolink/kgx): out of Neo4j, and into it."""
