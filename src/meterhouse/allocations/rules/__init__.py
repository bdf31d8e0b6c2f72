"""By which rules does the ledger decide? Plain functions over plain records: no database, no clock.

Open `charging` for who pays, `levels` for pools that don't add up over time, `draws` for which grant is
used up first, `figures` for what is left.
"""
