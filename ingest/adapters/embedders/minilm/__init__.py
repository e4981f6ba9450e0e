"""all-MiniLM-L6-v2 on onnxruntime, with weights from an installed package."""
