# fine: an Excel file that was asked for
import pandas as pd

df = pd.read_csv("sales.csv")
with pd.ExcelWriter("report.xlsx", engine="openpyxl") as writer:
    df.groupby("region")["amount"].sum().to_excel(writer, sheet_name="regions")
    df.groupby("product")["amount"].sum().to_excel(writer, sheet_name="products")
print("report.xlsx has two sheets")
