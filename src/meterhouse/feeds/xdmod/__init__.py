"""What does Open XDMoD want, and what would it answer? Its statistics, labels and decimals over our spans."""
