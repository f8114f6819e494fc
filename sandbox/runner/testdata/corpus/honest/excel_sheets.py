# fine: an Excel file with its sheets
import pandas as pd

book = pd.ExcelFile("orders.xlsx")
frames = []
for sheet in book.sheet_names:
    part = book.parse(sheet)
    part["sheet"] = sheet
    frames.append(part)
orders = pd.concat(frames, ignore_index=True)
orders.groupby("sheet").size().rename("rows").reset_index()
