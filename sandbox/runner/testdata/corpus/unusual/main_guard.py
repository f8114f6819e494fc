# danger 2: a program with a main function
import argparse
import sys
import pandas as pd

def parse(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", default="sales.csv")
    parser.add_argument("--top", type=int, default=5)
    return parser.parse_args(argv)

def main(argv=None):
    args = parse(argv or [])
    df = pd.read_csv(args.file)
    print(df.nlargest(args.top, "amount"))
    return 0

if __name__ == "__main__":
    sys.exit(main())
