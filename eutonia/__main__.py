from eutonia.cli import main

main()
