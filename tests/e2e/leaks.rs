//! No secret is in a file, a log, an error or a metric, in any spelling; and the search that says
//! so finds each of them when one is put there.
