package iptv

// title is a form of address, whatever language the PMS wrote it in.
type title string

// The titles that are recognised.
const (
	mr        title = "mr"
	mrs       title = "mrs"
	ms        title = "ms"
	doctor    title = "dr"
	professor title = "prof"
	couple    title = "couple"
	family    title = "family"
)

// manners is how a language addresses a guest. In a pattern, {} is the name.
type manners struct {
	titles map[title]string
	// bare addresses a guest without a known title.
	bare string
	// guest stands where no name is shown at all.
	guest string
	// familyFirst puts the family name before the given name.
	familyFirst bool
}

// titleWords are the titles as PMSs spell them, in lower case, without dots
// and with single spaces. A word that stands for different titles in different
// languages is left out: no title is better than a wrong one.
var titleWords = map[string]title{
	"mr": mr, "mister": mr, "herr": mr, "hr": mr, "hrn": mr, "monsieur": mr, "m": mr, "sr": mr, "señor": mr, "senor": mr,
	"don": mr, "sig": mr, "signor": mr, "signore": mr, "senhor": mr, "dhr": mr, "de heer": mr, "heer": mr, "meneer": mr,
	"السيد": mr, "سيد": mr, "先生": mr, "氏": mr, "sir": mr,
	"mrs": mrs, "madam": mrs, "frau": mrs, "fr": mrs, "mme": mrs, "madame": mrs, "sra": mrs, "señora": mrs, "senora": mrs,
	"doña": mrs, "sig ra": mrs, "sigra": mrs, "signora": mrs, "senhora": mrs, "mevr": mrs, "mevrouw": mrs, "mw": mrs,
	"السيدة": mrs, "سيدة": mrs, "女士": mrs, "夫人": mrs, "太太": mrs,
	"ms": ms, "miss": ms, "frl": ms, "fräulein": ms, "mlle": ms, "mademoiselle": ms, "srta": ms, "señorita": ms,
	"sig na": ms, "signorina": ms, "mej": ms, "الآنسة": ms, "小姐": ms,
	"dr": doctor, "doctor": doctor, "doktor": doctor, "drs": doctor, "dott": doctor, "dottore": doctor, "dott ssa": doctor,
	"docteur": doctor, "herr dr": doctor, "frau dr": doctor, "mr dr": doctor, "الدكتور": doctor, "博士": doctor,
	"prof": professor, "professor": professor, "professeur": professor, "profesor": professor, "professore": professor,
	"prof dr": professor, "herr prof": professor, "frau prof": professor, "教授": professor,
	"mr&mrs": couple, "mr & mrs": couple, "mr and mrs": couple, "mr/mrs": couple, "mr+mrs": couple, "mr mrs": couple,
	"herr und frau": couple, "herr & frau": couple, "hr u fr": couple, "herr/frau": couple, "m et mme": couple,
	"m & mme": couple, "sr y sra": couple, "sres": couple, "sig e sig ra": couple, "signori": couple, "sr e sra": couple,
	"dhr en mevr": couple, "eheleute": couple, "ehepaar": couple,
	"family": family, "fam": family, "familie": family, "famille": family, "familia": family, "famiglia": family,
	"família": family, "عائلة": family, "ご家族": family,
}

// languageManners holds how each language addresses guests, by its base tag.
var languageManners = map[string]manners{
	"en": {bare: "{}", guest: "Dear guest", titles: map[title]string{
		mr: "Mr {}", mrs: "Mrs {}", ms: "Ms {}", doctor: "Dr {}", professor: "Professor {}", couple: "Mr & Mrs {}", family: "{} family",
	}},
	"de": {bare: "{}", guest: "Lieber Gast", titles: map[title]string{
		mr: "Herr {}", mrs: "Frau {}", ms: "Frau {}", doctor: "Dr. {}", professor: "Prof. {}", couple: "Herr und Frau {}", family: "Familie {}",
	}},
	"fr": {bare: "{}", guest: "Cher hôte", titles: map[title]string{
		mr: "Monsieur {}", mrs: "Madame {}", ms: "Mademoiselle {}", doctor: "Docteur {}", professor: "Professeur {}",
		couple: "Monsieur et Madame {}", family: "Famille {}",
	}},
	"es": {bare: "{}", guest: "Estimado huésped", titles: map[title]string{
		mr: "Sr. {}", mrs: "Sra. {}", ms: "Srta. {}", doctor: "Dr. {}", professor: "Prof. {}", couple: "Sr. y Sra. {}", family: "Familia {}",
	}},
	"it": {bare: "{}", guest: "Gentile ospite", titles: map[title]string{
		mr: "Signor {}", mrs: "Signora {}", ms: "Signorina {}", doctor: "Dott. {}", professor: "Prof. {}", couple: "Signori {}", family: "Famiglia {}",
	}},
	"pt": {bare: "{}", guest: "Caro hóspede", titles: map[title]string{
		mr: "Sr. {}", mrs: "Sra. {}", ms: "Sra. {}", doctor: "Dr. {}", professor: "Prof. {}", couple: "Sr. e Sra. {}", family: "Família {}",
	}},
	"nl": {bare: "{}", guest: "Beste gast", titles: map[title]string{
		mr: "De heer {}", mrs: "Mevrouw {}", ms: "Mevrouw {}", doctor: "Dr. {}", professor: "Prof. {}",
		couple: "De heer en mevrouw {}", family: "Familie {}",
	}},
	"ar": {bare: "{}", guest: "ضيفنا الكريم", titles: map[title]string{
		mr: "السيد {}", mrs: "السيدة {}", ms: "الآنسة {}", doctor: "الدكتور {}", professor: "الأستاذ {}",
		couple: "السيد والسيدة {}", family: "عائلة {}",
	}},
	"ja": {bare: "{}様", guest: "お客様", familyFirst: true, titles: map[title]string{
		mr: "{}様", mrs: "{}様", ms: "{}様", doctor: "{}博士", professor: "{}教授", couple: "{}様ご夫妻", family: "{}様ご家族",
	}},
	"zh": {bare: "{}", guest: "尊敬的宾客", familyFirst: true, titles: map[title]string{
		mr: "{}先生", mrs: "{}女士", ms: "{}小姐", doctor: "{}博士", professor: "{}教授", couple: "{}先生和夫人", family: "{}家庭",
	}},
	"ko": {bare: "{} 님", guest: "고객님", familyFirst: true, titles: map[title]string{
		mr: "{} 님", mrs: "{} 님", ms: "{} 님", doctor: "{} 박사님", professor: "{} 교수님", couple: "{} 님 내외분", family: "{} 님 가족",
	}},
	"hu": {bare: "{}", guest: "Kedves vendégünk", familyFirst: true, titles: map[title]string{
		mr: "{} úr", mrs: "{} asszony", ms: "{} kisasszony", doctor: "Dr. {}", professor: "{} professzor",
		couple: "{} úr és felesége", family: "{} család",
	}},
}
