//! A warm call asks the vault nothing: no keys are resolved again, and the vault's database sees
//! the feed's read of its revision row and the renewals of verdicts, and nothing else.
