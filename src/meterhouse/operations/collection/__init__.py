"""How are the configured systems read, again and again, without loss and without doubles?"""
