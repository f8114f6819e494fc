# fine: openpyxl, cell by cell
from openpyxl import load_workbook

wb = load_workbook("orders.xlsx", read_only=True, data_only=True)
totals = {}
for ws in wb.worksheets:
    rows = ws.iter_rows(values_only=True)
    header = [str(h).strip().lower() for h in next(rows)]
    index = header.index("total")
    totals[ws.title] = sum(row[index] or 0 for row in rows)
for title, total in totals.items():
    print("%-20s %12.2f" % (title, total))
