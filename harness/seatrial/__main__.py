"""`python -m seatrial`: the same as the `seatrial` script, for environments that do not put scripts on the path."""

from seatrial.cli import main

if __name__ == "__main__":
    main()
