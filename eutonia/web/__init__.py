"""The clinic: web page, HTTP API and CDS Hooks service, from the same code as the command line."""
