package language

// The tables are made from those of golang.org/x/text, which are Unicode's (CLDR).
// The tests compare every code of two or three letters; where they fail after an
// update of that module, the tables are to follow.

// languages are the languages by the script in which they are usually written.
const languages = `
Ahom: aho Arab: aeb apc apd ar arb arq ary arz avl bal bcc bej bft bgn bqi brh cja ckb dcc dgl dgo doi fa fia
fub gbz gjk gju glk gwc gwt haz hnd hno kby kdh khw ks kvx kxp lah lki lrc luz mde mfa mki mvy mzn oru ota pbu
pes phl pnb prd ps rhg rmt scl sd sdh shu skr swb trw ug ur wni zdj Armi: arc Armn: hy Avst: ae Bamu: bax Bass:
bsq Beng: as bn bpy grt mni rkt syl unr unx Blis: zbl Brah: pka Cakm: ccp Cans: cr crj crk crl crm csw cwd ike
iu nsk Cari: xcr Cham: cjm Cher: chr Copt: cop Cprt: grc Cyrl: ab abq ady alt av ba be bg bua bxr ce chm crh cu
cv dar inh kaa kbd khk kk koi kpv krc kum kv ky lbe lez mdf mhr mk mn mrj myv os ru rue sah sr tg tt tyv udm uk
Deva: awa bap bfy bgc bhb bhi bho bjj bra brx btv dhd dty gbm gom gvr hi him hne hoc hoj jml kfr kfy khn knn kok
kru lif mag mai mgp mr mrd mtr mup mwr ne new noe npi raj rjs sa sck srx swv taj tdg tdh thl thq thr tkt wbr wtm
xnr xsr Egyp: egy Ethi: am bcq bji bst byn drs gez gmv gof hdy kqy ktb kxc mdx mym sgw ti tig wal Geor: ka xmf
Goth: got Grek: bgx el pnt tsd Gujr: gu Guru: pa Hans: cmn gan hak hsn lzh nan wuu zh Hant: yue Hatr: mis Hebr:
he lad ydd yi Hluw: hlu Hmng: hnj Ital: ett Jpan: ja Kali: eky Kana: ryu Khar: pra Khmr: km Knda: kn tcy Kore:
ko Lana: nod Laoo: kjg lo Latn: aa aai aak aau abi abr abt aby acd ace ach ada ade adj adz aey af agc agd agg
agm ago agq aha ahl ajg ak ala ali aln als amm amn amo amp anc ank ann any aoj aom aoz ape apr aps apz arh arn
aro asa asg aso ast ata atg atj auy avn avt avu awb awo awx ay ayb ayr az azj ban bar bas bav bba bbb bbc bbd
bbj bbp bbr bcf bch bci bcl bcm bcn bco bcu bdd bef beh bem bet bew bex bez bfd bhg bhk bhl bhy bi bib big bik
bim bin bio biq bjh bjn bjo bjr bjt bjz bkc bkm bkq bku bkv bm bmh bmk bmq bmu bng bnm bnp boj bom bon bqc bqp
bqv br brz bs bsj bss bto btt buc bud bug buk bum buo bus buu bvb bwd bwr bxh bxk bye byr bys byv byx bza bze
bzf bzh bzw ca can cbj cch ceb cfa cgg ch chk cho chp cjv ckl cko cky cla cme co cps crs cs csb cy da dad daf
dag dah dak dav dbd dbq ddn de ded den dga dgh dgi dgr dgz dia diq dje dnj dob dop dow dri dsb dtm dtp dts dua
duc dud dug dva dww dyo dyu dzg ebu ee efi egl eka ekk ema emi emk en enn enq eo eri es esk esu et etr etu etx
eu ewo ext faa fab fag fai fan fat ff ffi ffm fi fil fit fj flr fmp fo fod fon for fpe fqs fr frc frp frr frs
fuc fud fue fuf fuh fuq fur fuv fuy fvr fy ga gaa gaf gag gah gaj gam gaw gay gaz gba gbf gbo gby gcr gd gde gdn
gdr geb gej gel gfk ghs gil gim gjn gkn gkp gl gmm gn gnd gng god goi gor gos grb grw gsw gub guc gud gug gur
guw gux guz gv gvf gvs gwi gya gyi ha hag ham haw hbb hhy hia hif hig hih hil hla hmt hnn ho hot hr hsb ht hu
hui hz ia ian iar iba ibb iby ica ich id idd idi idu ife ig igb ige ijj ik ikk ikt ikw ikx ilo imo io iou iri is
it iwm iws izh izi jab jam jbo jbu jen jgk jgo jib jmc jra jut jv kab kac kad kai kaj kam kao kbm kbp kbq kbx
kcg kck kcl kct kde kdl kea ken kez kfo kg kge kgf kgp kha khq khs khz ki kij kiu kiw kj kjd kjs kjy kkc kkj kl
kln klq klt klx kmb kmh kmo kmr kms kmu kmw knc knf kng knp kol kos koz kpe kpf kpo kpr kpx kqb kqf kqs kr kri
krj krl krs ksb ksd ksf ksh ksj ksr ktm kto ku kub kud kue kuj kun kup kus kvg kvr kw kwj kwo kxa kxw kxz kye
kyx kzr la lag laj las lb lbu lbw lcm ldb led lee lem leq leu lg lgg li lia lid lig lih lij ljp lkt lle lln lmo
lmp ln lns lnu loj lok lol lor los loz lt ltg lu lua luo luy lv lvs lzz mad maf mak man mas maw maz mbh mbo mbq
mbu mbw mci mcp mcq mcr mcu mda mdh mdj mdr med mee mek men mer met meu mfe mfn mfo mfq mg mgh mgl mgo mgy mh
mhi mhl mi mif min miw mkl mkp mkw mle mlp mls mmo mmu mmx mna mnf mnk moa moe moh mos mox mpp mps mpt mpx mql
ms mt mtc mtf mti mua mur mus mva mvn mwk mwv mxc mxm myk myw myx mzk mzm mzp mzw mzz na nac naf nak nap naq nas
nb nca nce ncf nch nco ncu nd ndc nds neb nex nfr ng nga ngb ngl nhb nhe nhw nif nii nij nin niu niy niz njo nkg
nko nl nmg nmz nn nnf nnh nnk nnm no nop nou nr nrb nsn nso nss ntm ntr nui nup nus nuv nux nv nwb nxq nxr ny
nym nyn nzi oc ogc okr okv om ong onn ons opm oro ozm pag pam pap pau pbi pcd pcm pdc pdt ped pex pfl pil pip
pko pl pla plt pms png pnn pon ppo prg pss pt ptp puu pwa qu quc qug quz rai rao rcf rej rel res rgn ria rm rmf
rmo rmu rn rna rng ro rob rof roo rro rtm rug rw rwk rwo saf saq sas sat sav sba sbe sbp sc scn sco scs sdc se
sef seh sei ses sg sgs sgz shk sid sig sil sim sjr sk skc sks sl sld sli sll sly sm sma smj smn smq sms sn snc
snk snp snx sny so sok soq soy spd spl sps spy sq src srn srr ss ssd ssg ssy st stk stq su sua sue suk sur sus
sv sw swc swg swh swp sxn sxw szl tal tan taq tbc tbd tbf tbg tbo tbw tbz tci ted tem teo tet tfi tgc tgo tgu
tif tik tim tio tiv tk tkl tkr tlf tlx tly tmh tmy tn tnh to tof tog toq tpi tpm tpz tqo tr tru trv ts tsg tsw
ttd tte ttj ttq ttr ttt tuh tul tum tuq tvd tvl tvu twh twq ty tya tzm ubu uli umb uri urt urw usa utr uvh uvl
uz uzn vag van ve vec vep vi vic viv vls vmf vmw vo vot vro vun vut wa wae waj wan war wbp wci wer wgi whg wib
wiu wiv wja wji wls wmo wnc wnu wo wob wos wrs wsk wuv wwa xav xbi xes xh xla xog xon xpe xrb xsi xsl xsm xwe
yam yao yap yas yat yav yay yaz yba ybb yby yer ygr ygw yko yle ylg yll yml yo yon yrb yre yrl yss yua yuj yut
yuw za zag zea zia zlm zmi zne zsm zu zyb zza Lepc: lep Lina: lab Lisu: lis Lyci: xlc Lydi: xld Mand: myz Mani:
xmn Merc: xmr Mlym: ml Mroo: mro Mymr: kht mnw my shn Narb: xna Nkoo: nqo Nshu: zhx Ogam: sga Orkh: otk Orya: or
ory Osge: osa Pauc: ctd Phli: pal Phnx: phn Plrd: hmd Prti: xpr Runr: non Samr: smp Sarb: xsa Saur: saz Sgnw:
ase Sinh: si Sora: srb Soyo: cmg Syrc: cld syr Tale: tdd Talu: khb Taml: bfq ta Tang: txg Tavt: blt Telu: gno
gon lmn te wbq Tfng: rif shi zgh Thaa: dv Thai: kdt kxm lcp lwl sou th tts Tibt: bo dz tsj Ugar: uga Vaii: vai
Xpeo: peo Xsux: akk Yiii: ii
`

// elsewhere are the regions in which a language is written in another script.
const elsewhere = `
Arab: az-IQ az-IR az-034 azj-IQ azj-IR azj-034 ha-CM ha-SD ha-015 ha-017 kk-AF kk-CN kk-IR kk-MN kk-030 kk-034
kmr-LB ku-LB ky-CN ky-030 ms-CC ms-ID ms-QO ms-009 pa-PK tg-PK tg-034 uz-AF uz-034 uzn-AF uzn-034 zsm-CC zsm-ID
zsm-QO zsm-009 Cyrl: az-RU az-150 az-151 azj-RU azj-150 azj-151 ug-KZ ug-MN ug-143 uz-CN uz-030 uzn-CN uzn-030
Deva: unr-NP Hans: yue-CN Hant: cmn-AU cmn-BN cmn-EU cmn-GB cmn-GF cmn-HK cmn-ID cmn-MO cmn-MY cmn-PA cmn-PF
cmn-PH cmn-SR cmn-TH cmn-TW cmn-US cmn-VN cmn-003 cmn-005 cmn-009 cmn-013 cmn-019 cmn-021 cmn-035 cmn-053
cmn-061 cmn-150 cmn-154 cmn-419 zh-AU zh-BN zh-EU zh-GB zh-GF zh-HK zh-ID zh-MO zh-MY zh-PA zh-PF zh-PH zh-SR
zh-TH zh-TW zh-US zh-VN zh-003 zh-005 zh-009 zh-013 zh-019 zh-021 zh-035 zh-053 zh-061 zh-150 zh-154 zh-419
Latn: ky-TR ky-145 rif-EU rif-NL rif-150 rif-155 sr-EU sr-ME sr-RO sr-RU sr-TR sr-142 sr-145 sr-151 Mong: khk-CN
mn-CN Nkoo: emk-GN man-GN mnk-GN
`

// oldLanguages are codes that others have replaced, and the codes of three
// letters for languages that have one of two.
const oldLanguages = `
aar=aa abk=ab adp=dz afr=af ajp=apc ajt=aeb aka=ak alb=sq amh=am ara=ar arm=hy asm=as ava=av ave=ae aym=ay
aze=az bak=ba bam=bm baq=eu bel=be ben=bn bis=bi blg=iba bod=bo bos=bs bre=br bul=bg bur=my cat=ca ces=cs cha=ch
che=ce chi=zh chu=cu chv=cv cor=kw cos=co cre=cr cym=cy cze=cs dan=da deu=de div=dv drh=khk dut=nl dzo=dz ell=el
eng=en epo=eo est=et eus=eu ewe=ee fao=fo fas=fa fij=fj fin=fi fra=fr fre=fr fry=fy ful=ff geo=ka ger=de ggn=gvr
gla=gd gle=ga glg=gl glv=gv gre=el grn=gn guj=gu hat=ht hau=ha hbs=sr-Latn heb=he her=hz hin=hi hmo=ho hrv=hr
hun=hu hye=hy ibo=ig ice=is ido=io iii=ii iku=iu in=id ina=ia ind=id ipk=ik isl=is ita=it iw=he jav=jv ji=yi
jpn=ja jw=jv kal=kl kan=kn kas=ks kat=ka kau=kr kaz=kk khm=km kik=ki kin=rw kir=ky kom=kv kon=kg kor=ko ktr=dtp
kua=kj kur=ku kwq=yam kxe=tvd kxl=kru kzj=dtp kzt=dtp lao=lo lat=la lav=lv lim=li lin=ln lit=lt ltz=lb lub=lu
lug=lg mac=mk mah=mh mal=ml mao=mi mar=mr may=ms mkd=mk mlg=mg mlt=mt mo=ro-MD mol=ro-MD mon=mn mri=mi msa=ms
mya=my nau=na nav=nv nbl=nr nde=nd ndo=ng nep=ne nld=nl nno=nn nob=nb nor=no nya=ny oci=oc ori=or orm=om oss=os
pan=pa per=fa pol=pl por=pt ppa=bfy prp=gu pus=ps que=qu roh=rm ron=ro rum=ro run=rn rus=ru sag=sg san=sa
sh=sr-Latn sin=si slk=sk slo=sk slv=sl smd=kmb sme=se smo=sm sna=sn snb=iba snd=sd som=so sot=st spa=es sqi=sq
srd=sc srp=sr ssw=ss sun=su swa=sw swe=sv tah=ty tam=ta tat=tt tdu=dtp tel=te tgk=tg tgl=fil tha=th tib=bo
tir=ti tl=fil tmk=tdg ton=to tsf=taj tsn=tn tso=ts tuk=tk tur=tr uig=ug ukr=uk uok=ema urd=ur uzb=uz ven=ve
vie=vi vol=vo wel=cy wln=wa wol=wo xho=xh yid=yi yor=yo zha=za zho=zh zul=zu
`

// regions are those of ISO 3166 and those of the UN that hold several.
const regions = `
AC AD AE AF AG AI AL AM AN AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW
BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CP CQ CR CS CU CV CW CX CY CZ DE DG DJ DK DM DO DZ EA EC EE EG EH ER
ES ET EU EZ FI FJ FK FM FO FQ FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU IC
ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA
MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NT NU NZ OM PA
PC PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST
SU SV SX SY SZ TA TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM UN US UY UZ VA VC VE VG VI VN VU WF
WS XK YE YT YU ZA ZM ZW 001 002 003 005 009 011 013 014 015 017 018 019 021 029 030 034 035 039 053 054 057 061
142 143 145 150 151 154 155 202 419
`

// oldRegions are regions that others have replaced.
const oldRegions = `
BU=MM CT=KI DD=DE DY=BJ FX=FR HV=BF JT=UM MI=UM NH=VU NQ=AQ PU=UM PZ=PA QU=EU RH=ZW TP=TL UK=GB VD=VN WK=UM
YD=YE ZR=CD
`

// scripts are those of ISO 15924.
const scripts = `
Adlm Afak Aghb Ahom Arab Aran Armi Armn Avst Bali Bamu Bass Batk Beng Bhks Blis Bopo Brah Brai Bugi Buhd Cakm
Cans Cari Cham Cher Chrs Cirt Copt Cpmn Cprt Cyrl Cyrs Deva Diak Dogr Dsrt Dupl Egyd Egyh Egyp Elba Elym Ethi
Geok Geor Glag Gong Gonm Goth Gran Grek Gujr Guru Hanb Hang Hani Hano Hans Hant Hatr Hebr Hira Hluw Hmng Hmnp
Hrkt Hung Inds Ital Jamo Java Jpan Jurc Kali Kana Kawi Khar Khmr Khoj Kitl Kits Knda Kore Kpel Kthi Lana Laoo
Latf Latg Latn Leke Lepc Limb Lina Linb Lisu Loma Lyci Lydi Mahj Maka Mand Mani Marc Maya Medf Mend Merc Mero
Mlym Modi Mong Moon Mroo Mtei Mult Mymr Nagm Nand Narb Nbat Newa Nkdb Nkgb Nkoo Nshu Ogam Olck Orkh Orya Osge
Osma Ougr Palm Pauc Pcun Pelm Perm Phag Phli Phlp Phlv Phnx Piqd Plrd Prti Psin Ranj Rjng Rohg Roro Runr Samr
Sara Sarb Saur Sgnw Shaw Shrd Shui Sidd Sind Sinh Sogd Sogo Sora Soyo Sund Sunu Sylo Syrc Syre Syrj Syrn Tagb
Takr Tale Talu Taml Tang Tavt Telu Teng Tfng Tglg Thaa Thai Tibt Tirh Tnsa Toto Ugar Vaii Visp Vith Wara Wcho
Wole Xpeo Xsux Yezi Yiii Zanb Zinh Zmth Zsye Zsym Zxxx Zyyy Zzzz
`
