"""eutonia: is it safe, what will it do, does it work, how does one get off it, and is the article true."""
