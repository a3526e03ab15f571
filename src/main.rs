//! The jeton binary.

fn main() -> std::process::ExitCode {
    jeton::cli::main()
}
