from desk import answer, chart, left_out, load, money, note, table, today

sales = load("sales.csv")
few = 12
top = sales.nlargest(few, "amount")
answer(f"The top {few} of Q1 came to {money(1234)}, the best 1,234.50 of them.")
note("About 7% are missing; " + "the 2nd is CO2 in %d parts of 9" % 3)
table(top[top["amount"] > 0.95], "Sales over 95% in 400 regions")
chart(top.plot(title="Top 12", xlabel="day 30"), title="Since {:%d}, 3D, 5 more".format(today()))
total = 77
answer("Total: {}".format(total))
print("Total 55", sales["amout"].sum())
#> problem: Line 12: sales.csv has no column 'amout'; it has 'amount'.
#> note 1 [import: desk] Imports desk.
#> note 3 [read: sales.csv] Reads sales.csv.
#> note 5 [left out: nlargest, a filter] Drops rows without counting them (nlargest, a filter).
#> caution 6 [written: 1234] Written, not computed: 1234 in answer().
#> caution 6 [written: 1234.5] Written, not computed: 1234.5 in answer().
#> caution 7 [written: 3] Written, not computed: 3 in note().
#> caution 7 [written: 7] Written, not computed: 7 in note().
#> caution 7 [written: 9] Written, not computed: 9 in note().
#> caution 8 [written: 400] Written, not computed: 400 in a title.
#> caution 9 [written: 30] Written, not computed: 30 in a label.
#> caution 11 [written: 77] Written, not computed: 77 in answer().
#> caution 12 [column: amout] sales.csv has no column 'amout'; it has 'amount'.
