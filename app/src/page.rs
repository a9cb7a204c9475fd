//! Documents made of a frame and the parts that they share: one file each, without outside parts.

const STYLE: &str = include_str!("../assets/style.css");
const PARTS: &str = include_str!("../assets/parts.js");

/// Puts the shared parts into a frame.
pub fn assemble(frame: &str) -> String {
    frame.replace("{{style}}", STYLE).replace("{{parts}}", PARTS)
}
