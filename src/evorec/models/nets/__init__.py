"""Networks: they know tensors, and neither ids nor batches of a log."""
