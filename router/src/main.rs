//! `keyway-router`.

fn main() -> std::process::ExitCode {
    keyway_router::run(std::env::args_os())
}
