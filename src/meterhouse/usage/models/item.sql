-- Which items is anything said of, and by which numbers are they walked?
-- in: item_event    out: item: one row an item
--
-- Numbers sort, compare and join fastest; no result depends on which number an item has.
SELECT resource, kind, item, ROW_NUMBER() OVER (ORDER BY resource, kind, item) AS item_number
FROM (SELECT DISTINCT resource, kind, item FROM item_event) AS seen
