"""The command line: one file per subcommand, each a config handed to a workflow.

In: arguments and a TOML file. Out: a results folder, words on stderr, data on stdout.
May import: `workflows`, `io`, `data`, `errors`, and no verb.
"""
