"""The sandbox's pages: readable by browsers, and safe against what strangers write into mails."""

from email.message import EmailMessage

import aiosmtplib
import httpx2

from sandbox.main import Running
from sandbox.pages import linked

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


async def post_letter(box: Running, html: str, subject: str = "Rent for October") -> None:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "a@pg.example", "b@mail.example", subject
    letter.set_content("Pay at http://127.0.0.1:8000/pay/tok.\n<script>alert(1)</script>")
    letter.add_alternative(html, subtype="html")
    letter.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="rent ö.pdf")
    await aiosmtplib.send(letter, hostname="127.0.0.1", port=box.smtp_port)


async def test_a_browser_gets_a_page_and_a_program_gets_json(
    box: Running, client: httpx2.AsyncClient
) -> None:
    await post_letter(box, "<p>Rent</p>")
    page = await client.get("/control/inbox", headers=BROWSER)
    assert page.headers["content-type"].startswith("text/html")
    assert "Rent for October" in page.text
    [message] = (await client.get("/control/inbox")).json()["items"]
    assert (await client.get(f"/control/inbox/{message['id']}")).json() == message


async def test_nothing_on_a_page_comes_from_elsewhere_or_runs(
    box: Running, client: httpx2.AsyncClient
) -> None:
    await post_letter(box, "<p>Rent</p>", subject="<img src=x onerror=alert(1)>")
    [message] = (await client.get("/control/inbox")).json()["items"]
    for path in ("/", "/control/inbox", f"/control/inbox/{message['id']}"):
        page = await client.get(path, headers=BROWSER)
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "script-src" not in page.headers["content-security-policy"]
        assert "<script" not in page.text
        assert "<img" not in page.text
        assert 'src="http' not in page.text


async def test_a_mail_is_shown_in_a_fence(box: Running, client: httpx2.AsyncClient) -> None:
    await post_letter(box, "<html><head><title>t</title></head><body><p>Rent</p></body></html>")
    [message] = (await client.get("/control/inbox")).json()["items"]
    page = await client.get(f"/control/inbox/{message['id']}", headers=BROWSER)
    assert '<iframe sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.text
    letter = await client.get(f"/control/inbox/{message['id']}/html")
    policy = letter.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups")
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy
    assert '<head><base target="_blank">' in letter.text


async def test_an_attachment_is_saved_never_shown(box: Running, client: httpx2.AsyncClient) -> None:
    await post_letter(box, "<p>Rent</p>")
    [message] = (await client.get("/control/inbox")).json()["items"]
    assert message["attachments"] == [
        {"name": "rent ö.pdf", "contentType": "application/pdf", "bytes": 4}
    ]
    file = await client.get(f"/control/inbox/{message['id']}/attachments/0")
    assert file.content == b"%PDF"
    assert file.headers["content-disposition"].startswith("attachment;")
    assert (await client.get(f"/control/inbox/{message['id']}/attachments/9")).status_code == 404


async def test_the_start_page_leads_to_the_inbox(client: httpx2.AsyncClient) -> None:
    page = await client.get("/", headers=BROWSER)
    assert 'href="/control/inbox"' in page.text
    assert (await client.get("/control/style.css")).headers["content-type"].startswith("text/css")
    assert (await client.get("/health")).json() == {"status": "ok"}


async def test_a_message_nobody_sent_is_not_found(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/control/inbox/nothing")).status_code == 404
    assert (await client.get("/control/inbox/nothing/html")).status_code == 404


def test_addresses_become_links_and_the_rest_stays_text() -> None:
    shown = str(linked("<b>Pay</b> http://h/pay/a?b=1&c=2. Thanks"))
    anchor = '<a href="http://h/pay/a?b=1&amp;c=2" target="_blank" rel="noreferrer">'
    assert shown == f"&lt;b&gt;Pay&lt;/b&gt; {anchor}http://h/pay/a?b=1&amp;c=2</a>. Thanks"
