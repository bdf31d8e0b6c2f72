"""How does staff change the directory and the ledger? Django's admin under /admin/, with history."""
