"""Know what columns of files of people are called, in the languages that we have met."""

import unicodedata
from collections.abc import Mapping, Sequence

from heyday.domain.people import FIELDS


def _fold(name: str) -> str:
    """Return a name by which it is found however it is written."""
    parts = unicodedata.normalize("NFKD", name.casefold().replace("ø", "o").replace("ł", "l"))
    return unicodedata.normalize("NFC", "".join(c for c in parts if c.isalnum()))


# Folded as `_fold` does: no case, no accents, no signs. The first that a file has is taken.
_NAMES: Mapping[str, str] = {
    "first_name": "firstname givenname forename fname vorname rufname prenom nombre nombres nome "
    "primernombre voornaam imie fornamn fornavn etunimi jmeno keresztnev ad prenume "
    "имя 名 名前 이름 الاسمالأول",
    "last_name": "lastname surname familyname lname nachname familienname zuname nom nomdefamille "
    "apellido apellidos cognome sobrenome apelido achternaam nazwisko efternamn etternavn "
    "efternavn sukunimi prijmeni vezeteknev soyad soyadi nume фамилия 姓 名字 성 اسمالعائلة name",
    "email": "email emailaddress mail mailaddress emailadresse mailadresse epost epostadresse "
    "adressemail adresseemail courriel correo correoelectronico posta postaelettronica "
    "enderecodeemail emailadres adresemail adresa eposta sahkoposti workemail emailwork emailaddr "
    "электроннаяпочта почта メール メールアドレス 邮箱 电子邮件 이메일 البريدالإلكتروني",
    "timezone": "timezone tz zone iana ianatimezone zeitzone fuseauhoraire fuseau zonahoraria "
    "fusoorario fusohorario tijdzone strefaczasowa tidszon tidssone tidszone aikavyohyke "
    "casovepasmo idozona saatdilimi часовойпояс タイムゾーン 时区 시간대",
    "birthday_date": "birthdaydate birthday birthdate dateofbirth dob bday born geburtstag "
    "geburtsdatum gebdatum gebtag datedenaissance anniversaire naissance fechadenacimiento "
    "nacimiento cumpleanos datadinascita compleanno datadenascimento nascimento aniversario "
    "geboortedatum verjaardag dataurodzenia urodziny fodelsedag fodelsedatum fodselsdato "
    "fodselsdag syntymaaika syntymapaiva datumnarozeni szuletesidatum dogumtarihi "
    "датарождения деньрождения 生年月日 誕生日 出生日期 生日 생년월일 생일 تاريخالميلاد",
    "anniversary_date": "anniversarydate anniversary workanniversary startdate hiredate hired "
    "dateofhire dateofjoining joiningdate joined joindate employmentdate entrydate dienstjubilaum "
    "eintritt eintrittsdatum einstellungsdatum beschaftigtseit datedembauche dateembauche "
    "datedentree embauche fechadeingreso fechadecontratacion fechadealta datadiassunzione "
    "assunzione datadeadmissao admissao datumindienst indienst datazatrudnienia "
    "anstallningsdatum startdatum ansettelsesdato ansaettelsesdato aloituspaiva датаприема "
    "入社日 入职日期 입사일 تاريخالتعيين",
    "location_city": "locationcity city town place ort stadt wohnort standort ville lieu ciudad "
    "citta cidade stad plaats woonplaats miasto by kaupunki mesto varos sehir город 市 城市 도시 "
    "المدينة",
    "location_country": "locationcountry country countrycode land staat pays pais paese "
    "kraj maa zeme orszag ulke страна 国 国家 국가 البلد",
    "locale": "locale language lang sprache langue idioma lingua taal jezyk sprak sprog kieli "
    "jazyk nyelv dil язык 言語 语言 언어 اللغة",
}
_TAKEN_FOR = {
    _fold(name): (field, rank)
    for field, names in _NAMES.items()
    for rank, name in enumerate(names.split())
}
# "Name" is the last name where there is a first name, and all of it where there is none.
_WHOLE_NAME = "name"


def guess_columns(header: Sequence[str]) -> dict[str, int]:
    """Return for fields of a person which column seems to hold them, by what it is called."""
    found: dict[str, tuple[int, int]] = {}
    folded = [_fold(name) for name in header]
    for place, name in enumerate(folded):
        field, rank = _TAKEN_FOR.get(name, (None, 0))
        if field and (field not in found or rank < found[field][0]):
            found[field] = rank, place
    columns = {name: found[name][1] for name in FIELDS if name in found}
    last = columns.get("last_name")
    if last is not None and "first_name" not in columns and folded[last] == _WHOLE_NAME:
        del columns["last_name"]
    return columns
