//! `keyway-migrate`.

fn main() -> std::process::ExitCode {
    keyway_migrations::run(std::env::args_os())
}
