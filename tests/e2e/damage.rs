//! A damaged key row is never served and never taken for "no key": whatever is changed under the
//! vault by SQL, the call is refused and nothing leaves, on neither key.
