//! The brand's colour: an accent, and never what makes a text readable or not.

/// What pages wear whose workspace and client chose no colour.
const DEFAULT: &str = "#1f5fbf";

/// The style rule of a brand.  Anything but `#rrggbb` counts as none, so that nothing else gets into
/// a style.
pub(super) fn rule(color: &str) -> String {
    let (color, channels) = match channels(color) {
        Some(channels) => (color, channels),
        None => (DEFAULT, [0x1f, 0x5f, 0xbf]),
    };
    format!(":root{{--brand:{color};--on-brand:{}}}", text_on(channels))
}

fn channels(color: &str) -> Option<[u8; 3]> {
    let digits = color.strip_prefix('#')?;
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some([red, green, blue])
}

/// Black or white, whichever has the higher contrast (WCAG 2.2, 1.4.3); one of them has at least 4.58.
fn text_on(background: [u8; 3]) -> &'static str {
    let [red, green, blue] = background.map(linear);
    let luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    // Where 1.05 / (l + 0.05) equals (l + 0.05) / 0.05.
    if luminance > 0.179 { "#000000" } else { "#ffffff" }
}

/// A channel of sRGB as light (WCAG 2.2, relative luminance).
fn linear(channel: u8) -> f64 {
    let value = f64::from(channel) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_black_on_light_and_white_on_dark() {
        for (color, text) in [("#ffffff", "#000000"), ("#000000", "#ffffff"), ("#ffd400", "#000000"), ("#1f5fbf", "#ffffff")] {
            assert_eq!(rule(color), format!(":root{{--brand:{color};--on-brand:{text}}}"));
        }
    }

    /// J1: a colour is a colour, or the default one.
    #[test]
    fn what_is_no_colour_does_not_get_into_the_style() {
        let hostile = ["", "red", "#fff", "#12345g", "#+12345", "#123456}body{display:none}", "#12345é", "</style><script>"];
        for color in hostile {
            assert_eq!(rule(color), ":root{--brand:#1f5fbf;--on-brand:#ffffff}", "{color}");
        }
    }
}
