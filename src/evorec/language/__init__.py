"""Words of texts in Chinese, English and other languages."""
