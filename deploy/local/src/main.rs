//! `keyway`: starts the whole product on one machine.

fn main() -> std::process::ExitCode {
    keyway::run(std::env::args_os())
}
