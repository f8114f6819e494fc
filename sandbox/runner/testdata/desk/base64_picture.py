from desk import chart, load

chart(load("sales.csv")["units"].plot.hist(title="Units"))
