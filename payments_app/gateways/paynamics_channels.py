"""The channels of Paynamics' PayIn API, in the order to show.

No official list is public: these are the codes that integrations use. Instalments are left out,
since they need a bank and a term besides.
"""

from dataclasses import dataclass
from typing import Final

from payments_app.domain.languages import later
from payments_app.gateways.base import Channel

_WALLET, _ONLINE, _COUNTER, _BILLS, _CARD = (
    later("E-wallets"),
    later("Online banking"),
    later("Over the counter"),
    later("Bills payment"),
    later("Cards"),
)
_GROUPS: Final = {
    "wallet": _WALLET,
    "onlinebanktransfer": _ONLINE,
    "nonbank_otc": _COUNTER,
    "bank_otc": _COUNTER,
    "onlinebillspayment": _BILLS,
    "creditcard": _CARD,
}
COUNTER_METHODS: Final = frozenset({"nonbank_otc", "bank_otc"})
"""Methods that answer with a number to pay at a counter, instead of a page."""


@dataclass(frozen=True, slots=True)
class PayChannel:
    """One ``pchannel`` of Paynamics, with the ``pmethod`` it is sent with."""

    method: str
    label: str

    def choice(self, code: str) -> Channel:
        """Return the channel as pages show it."""
        return Channel(code, self.label, _GROUPS[self.method])


CHANNELS: Final[dict[str, PayChannel]] = {
    "gc": PayChannel("wallet", "GCash"),
    "grabpay_ph": PayChannel("wallet", "GrabPay Philippines"),
    "paymaya_ph": PayChannel("wallet", "PayMaya Philippines"),
    "shopeepay_ph": PayChannel("wallet", "ShopeePay Philippines"),
    "coins_ph": PayChannel("wallet", "Coins.ph"),
    "alipay": PayChannel("wallet", "Alipay"),
    "wechatpay": PayChannel("wallet", "WeChat Pay"),
    "bpi_online": PayChannel("onlinebanktransfer", "BPI Online"),
    "ubp_online": PayChannel("onlinebanktransfer", "UnionBank Online"),
    "br_bdo_ph": PayChannel("onlinebanktransfer", "BDO Online"),
    "br_rcbc_ph": PayChannel("onlinebanktransfer", "RCBC Online"),
    "br_pnb_ph": PayChannel("onlinebanktransfer", "PNB Online"),
    "bn": PayChannel("onlinebanktransfer", "BancNet"),
    "711_ph": PayChannel("nonbank_otc", "7-Eleven"),
    "cliqq_ph": PayChannel("nonbank_otc", "7-Eleven CLiQQ"),
    "cebuana_ph": PayChannel("nonbank_otc", "Cebuana Lhuillier"),
    "mlhuillier_ph": PayChannel("nonbank_otc", "M Lhuillier"),
    "smbills_ph": PayChannel("nonbank_otc", "SM Bills Payment"),
    "ecpay_ph": PayChannel("nonbank_otc", "ECPay"),
    "da5_ph": PayChannel("nonbank_otc", "DA5"),
    "expresspay_ph": PayChannel("nonbank_otc", "ExpressPay"),
    "truemoney_ph": PayChannel("nonbank_otc", "TrueMoney"),
    "posible_ph": PayChannel("nonbank_otc", "Posible"),
    "etap_ph": PayChannel("nonbank_otc", "eTap"),
    "dp_ph": PayChannel("nonbank_otc", "Dragonpay"),
    "bdo_ph": PayChannel("bank_otc", "BDO branch"),
    "pnb_ph": PayChannel("bank_otc", "PNB branch"),
    "ubp_ph": PayChannel("bank_otc", "UnionBank branch"),
    "ucpb_ph": PayChannel("bank_otc", "UCPB branch"),
    "rbank_ph": PayChannel("bank_otc", "Robinsons Bank branch"),
    "rcbc_ph": PayChannel("bank_otc", "RCBC branch"),
    "bdoobp": PayChannel("onlinebillspayment", "BDO Bills Payment"),
    "pnbobp": PayChannel("onlinebillspayment", "PNB Bills Payment"),
    "ucpbobp": PayChannel("onlinebillspayment", "UCPB Bills Payment"),
    "sbcobp": PayChannel("onlinebillspayment", "Security Bank Bills Payment"),
    "ubpobp": PayChannel("onlinebillspayment", "UnionBank Bills Payment"),
    "gpap_cc_ph": PayChannel("creditcard", "Card (Global Payments)"),
    "bdo_cc_ph": PayChannel("creditcard", "Card (BDO)"),
    "paymaya_cc_ph": PayChannel("creditcard", "Card (Maya)"),
    "metrobank_cc_ph": PayChannel("creditcard", "Card (Metrobank)"),
    "maybank_cc_ph": PayChannel("creditcard", "Card (Maybank)"),
    "ubp_cc_ph": PayChannel("creditcard", "Card (UnionBank)"),
    "rbank_cc_ph": PayChannel("creditcard", "Card (Robinsons Bank)"),
    "rcbc_cc_ph": PayChannel("creditcard", "Card (RCBC)"),
}

USUAL: Final = (
    "gc", "grabpay_ph", "paymaya_ph", "shopeepay_ph", "coins_ph",
    "bpi_online", "ubp_online", "br_bdo_ph", "br_rcbc_ph", "br_pnb_ph",
    "711_ph", "cliqq_ph", "cebuana_ph", "mlhuillier_ph", "smbills_ph",
    "gpap_cc_ph",
)  # fmt: skip
"""What is offered unless the settings say what the merchant has."""
