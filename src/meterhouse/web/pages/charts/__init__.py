"""How is an answer drawn? As a Vega-Lite chart: fixed field names, values and labels as data."""
