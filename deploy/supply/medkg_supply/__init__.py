"""What medkg is made of: licences, known vulnerabilities, versions."""
