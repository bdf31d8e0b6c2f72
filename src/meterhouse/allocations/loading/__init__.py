"""How does what people wrote down get into the register? The same file twice changes nothing."""
