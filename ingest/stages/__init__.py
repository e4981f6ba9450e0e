"""What is done to a document, stage by stage."""
