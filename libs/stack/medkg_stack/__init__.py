"""The local servers: Kafka, Redis and OpenSearch as processes."""
