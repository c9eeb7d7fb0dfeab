//! Lets the tests start the product as it is shipped: the launcher's library behind a binary of
//! this package, so that `cargo test --workspace` builds what it starts.

fn main() -> std::process::ExitCode {
    keyway::run(std::env::args_os())
}
