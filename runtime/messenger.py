"""The messenger of a process: mail by SMTP, text messages by Twilio, as the settings say."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from providers.channels import ByChannel
from providers.mail import MailMessenger, MailSettings
from providers.messages import Channel, Messenger
from providers.twilio import TwilioMessenger, TwilioSettings
from runtime.metrics import Counted, Metrics
from runtime.settings import Settings


@asynccontextmanager
async def messenger_of(
    settings: Settings, metrics: Metrics | None = None
) -> AsyncGenerator[Messenger]:
    """Carries messages for the length of the block, then hangs up every connection.

    Given `metrics`, every call is counted there.
    """
    messenger: Messenger = ByChannel(
        {
            Channel.EMAIL: MailMessenger(_mail(settings)),
            Channel.SMS: TwilioMessenger(_sms(settings)),
        }
    )
    if metrics is not None:
        messenger = Counted(messenger, metrics)
    try:
        yield messenger
    finally:
        await messenger.close()


def _mail(settings: Settings) -> MailSettings:
    mail = settings.mail
    password = mail.smtp_password
    return MailSettings(
        host=mail.smtp_host,
        port=mail.smtp_port,
        sender_address=mail.smtp_from,
        username=mail.smtp_user,
        password=None if password is None else password.get_secret_value(),
        security=mail.smtp_security,
    )


def _sms(settings: Settings) -> TwilioSettings:
    sms = settings.sms
    return TwilioSettings(
        account_sid=sms.twilio_account_sid,
        auth_token=sms.twilio_auth_token.get_secret_value(),
        sender=sms.twilio_from,
        base_url=sms.twilio_base_url,
    )
