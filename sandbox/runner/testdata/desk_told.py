#> caution 0 [unused file: sales.csv] Does not read sales.csv, which came with the question.
