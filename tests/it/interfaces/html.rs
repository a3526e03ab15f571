//! As much of HTML as is needed to fill in a form: tags with their attributes, and words.

/// A tag that opens, and the words until the next tag.
pub struct Tag {
    pub name: String,
    attributes: Vec<(String, String)>,
    pub words: String,
}

impl Tag {
    /// An attribute's value; empty for one without a value.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn owned(&self, name: &str) -> String {
        self.attribute(name).unwrap_or_default().to_owned()
    }
}

/// A button that sends a form.
#[derive(Clone, Debug)]
pub struct Button {
    pub name: String,
    pub value: String,
}

/// A form as a browser would send it.
#[derive(Clone, Debug, Default)]
pub struct Form {
    pub action: String,
    pub method: String,
    /// What is sent when nobody changes anything.
    pub fields: Vec<(String, String)>,
    /// Every name that can be sent, unchecked boxes included.
    pub names: Vec<String>,
    pub buttons: Vec<Button>,
}

impl Form {
    /// Whether there is a field of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// What the form would send under a name.
    pub fn value(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// The tags of a page, and of `name`, what stands between its tags.
pub fn tags(html: &str) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (words, behind) = rest.split_at(at);
        if let Some(last) = tags.last_mut() {
            last.words += &unescaped(words);
        }
        let (tag, after) = tag(&behind[1..]);
        tags.extend(tag);
        rest = after;
    }
    tags
}

/// One tag, and what comes behind it.
fn tag(text: &str) -> (Option<Tag>, &str) {
    let name: String = text.chars().take_while(|c| c.is_ascii_alphanumeric() || "/!-".contains(*c)).collect();
    let mut rest = &text[name.len()..];
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() || rest.starts_with('>') {
            break;
        }
        let end = rest.find(|c: char| c.is_whitespace() || "=>".contains(c)).unwrap_or(rest.len());
        let attribute = rest[..end].to_ascii_lowercase();
        rest = &rest[end..];
        let mut value = "";
        if let Some(behind) = rest.strip_prefix('=') {
            let quote = behind.chars().next().filter(|c| "'\"".contains(*c));
            let inner = if quote.is_some() { &behind[1..] } else { behind };
            let end = inner.find(|c: char| quote.map_or(c.is_whitespace() || c == '>', |quote| c == quote));
            let end = end.unwrap_or(inner.len());
            value = &inner[..end];
            rest = inner[end..].strip_prefix(|c| Some(c) == quote).unwrap_or(&inner[end..]);
        }
        attributes.push((attribute, unescaped(value)));
    }
    (
        Some(Tag { name: name.to_ascii_lowercase(), attributes, words: String::new() }).filter(|tag| !tag.name.is_empty()),
        rest.strip_prefix('>').unwrap_or(rest),
    )
}

/// The forms of a page.
pub fn forms(html: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    for tag in tags(html) {
        if tag.name == "form" {
            forms.push(Form { action: tag.owned("action"), method: tag.owned("method"), ..Form::default() });
        }
        let Some(form) = forms.last_mut() else { continue };
        let name = tag.owned("name");
        let kind = tag.attribute("type").unwrap_or_default();
        match tag.name.as_str() {
            "button" => form.buttons.push(Button { name, value: tag.owned("value") }),
            "textarea" => {
                form.names.push(name.clone());
                // The line break behind the tag is not part of the value.
                let value = tag.words.strip_prefix('\n').unwrap_or(&tag.words).to_owned();
                form.fields.push((name, value));
            }
            "input" if !name.is_empty() => {
                form.names.push(name.clone());
                let boxed = ["checkbox", "radio"].contains(&kind);
                let value = tag.attribute("value").unwrap_or(if boxed { "on" } else { "" }).to_owned();
                if !boxed || tag.attribute("checked").is_some() {
                    form.fields.push((name, value));
                }
            }
            _ => {}
        }
    }
    forms
}

/// What a person reads.
pub fn words(html: &str) -> String {
    let read = tags(html).into_iter().filter(|tag| !["style", "script", "title"].contains(&tag.name.as_str()));
    read.map(|tag| tag.words).collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the window is called.
pub fn title(html: &str) -> String {
    tags(html).into_iter().find(|tag| tag.name == "title").map(|tag| tag.words).unwrap_or_default()
}

fn unescaped(text: &str) -> String {
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">")];
    let plain = named.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain));
    plain.replace("&#38;", "&").replace("&amp;", "&")
}

#[test]
fn forms_are_read_as_a_browser_sends_them() {
    let html = r#"<!doctype html><title>A &amp; B</title><form method=post action="/x?a=1&amp;b=2">
        <input type='hidden' name=csrf_token value="a&#34;b"/><input type=checkbox name=native><input type="checkbox" name="scope"
        value="read" checked><textarea name=uris>
one
two</textarea><button name="decision" value="allow">Allow &lt;it&gt;</button></form>"#;
    let form = forms(html).remove(0);
    assert_eq!((form.action.as_str(), form.value("csrf_token"), form.value("uris")), ("/x?a=1&b=2", "a\"b", "one\ntwo"));
    assert_eq!((form.has("native"), form.value("native"), form.value("scope")), (true, "", "read"));
    assert_eq!((form.buttons[0].value.as_str(), words(html).as_str()), ("allow", "one two Allow <it>"));
    assert_eq!(title(html), "A & B");
}
