"""The grader's texts in other languages than English, which stands where they come from.

A text is found by its template, in which {} stands for anything: names and numbers, which stay as
they are, or another text of ours, which is translated, too. Another text is another line here.
"""

import re
from functools import cache

BULGARIAN = [
    # The report.
    ("task", "задача"),
    ("points", "точки"),
    ("of", "от"),
    ("total", "общо"),
    ("by hand", "на ръка"),
    ("no answer file", "няма файл с отговори"),
    ("note", "бележка"),
    ("WRONG", "ГРЕШНО"),
    ("graded", "оценено"),
    ("not readable", "не може да се прочете"),
    ("not graded", "неоценено"),
    ("graded without a box (--unsafe)", "оценено без изолация (--unsafe)"),
    ("and {} more", "и още {}"),
    ("{}, {}", "{}, {}"),
    ("{}; {}", "{}; {}"),
    ("{}: {}", "{}: {}"),
    ("stopped before it was graded", "спряно, преди да бъде оценено"),
    ("the grader's judge ended early: {}", "проверката сама прекъсна: {}"),

    # Parts of tasks.
    ("large scores", "големи оценки"),
    ("n = 1 or M = 1", "n = 1 или M = 1"),
    ("S = 1 or n = 1", "S = 1 или n = 1"),
    ("a loop over S", "цикъл по S"),
    ("step", "стъпка"),
    ("repeated words", "повтарящи се думи"),
    ("twice in one context", "два пъти в един контекст"),
    ("data as a list or an array", "data като списък или масив"),
    ("no shuffling", "без разбъркване"),
    ("epochs and batches", "епохи и партиди"),

    # What comes in place of what is expected.
    ("{} is wrong", "{}: грешна стойност"),
    ("{} has the wrong sign", "{}: обратен знак"),
    ("{} is transposed", "{}: транспонирано"),
    ("{} is 0 everywhere", "{}: навсякъде е 0"),
    ("{} is {} times as large as expected", "{}: {} пъти очакваното"),
    ("{} is None: is a return missing?", "{}: получено е None; липсва ли return?"),
    ("{}: expected numbers, came {}", "{}: очаквани са числа, получено е {}"),
    ("{} has the shape {}, expected {}", "{}: размерите са {}, очаквани са {}"),
    ("one number", "едно число"),
    ("{} is {}, expected numbers such as {}", "{}: получено е {}, очаквани са числа като {}"),
    ("expected {}, came {}", "очаквано {}, получено {}"),
    ("expected {} at {}, came {}", "очаквано {} на място {}, получено {}"),
    ("{}: expected {} results, came None: is a return missing?",
     "{}: очаквани са {} резултата, получено е None; липсва ли return?"),
    ("{}: expected {} results, came one {}", "{}: очаквани са {} резултата, получен е един {}"),
    ("{}: expected {} results, came {}", "{}: очаквани са {} резултата, получени са {}"),
    ("{} changes its argument {}: it must work on a copy",
     "{} променя аргумента си {}: трябва да работи с копие"),

    # Task 3.
    ("how often the words occur in the sequence", "колко пъти думите са в редицата"),
    ("{} is rounded down", "{}: закръглено надолу"),
    ("{} is rounded up", "{}: закръглено нагоре"),
    ("{} is the frequency, without the power 0.75", "{}: честотата, без степента 0,75"),
    ("{} lacks the factor n", "{}: липсва множителят n"),
    ("{} is divided by n, not multiplied", "{}: разделено на n, вместо умножено"),
    ("{} has n^0.75 in place of n", "{}: n^0,75 вместо n"),
    ("{} is n·q[c], not its logarithm", "{}: n·q[c], а не логаритъмът му"),
    ("{} is n·log(q[c])", "{}: n·log(q[c])"),
    ("{} lacks the division by the sum over all words",
     "{}: липсва делението на сумата по всички думи"),
    ("{} has f^0.75 rounded down", "{}: f^0,75 е закръглено надолу"),
    ("{} lacks the rounding of f^0.75", "{}: липсва закръглянето на f^0,75"),
    ("{} lacks the power 0.75", "{}: липсва степента 0,75"),
    ("the sequence is {}, expected a list or an array",
     "редицата е {}, очакван е списък или масив"),
    ("the sequence is {}, expected a list or an array: is a return missing?",
     "редицата е {}, очакван е списък или масив; липсва ли return?"),
    ("the sequence holds {}, expected word indices (int)",
     "в редицата има {}, очаквани са номера на думи (int)"),
    ("the sequence holds {}, expected word indices from 0 to {}",
     "в редицата има {}, очаквани са номера на думи от 0 до {}"),
    ("sampleContext: expected {} words, came {}",
     "sampleContext: очаквани са {} думи, получено е {}"),
    ("sampleContext returns something else than indices of words",
     "sampleContext връща нещо друго, а не номера на думи"),
    ("sampleContext: expected the context word {} first, came {}",
     "sampleContext: първа трябва да е контекстната дума {}, получена е {}"),
    ("a negative equals the context word", "негативен пример съвпада с контекстната дума"),
    ("all negatives of a context are the same word",
     "всички негативни примери на един контекст са една и съща дума"),
    ("the negatives do not follow q", "негативните примери не следват q"),
    ("a χ² test gives p = {}", "критерият χ² дава p = {}"),

    # Tasks 4 and 5.
    ("{} lacks q", "{}: липсва q"),
    ("{} has q with the wrong sign", "{}: q е с обратен знак"),
    ("{} has Wᵀ in place of W", "{}: Wᵀ вместо W"),
    ("{} takes the context word for a negative: is δ missing?",
     "{}: контекстната дума е взета за негативен пример; липсва ли δ?"),
    ("{} takes the negatives for context words",
     "{}: негативните примери са взети за контекстни думи"),
    ("{} has the mean over the negatives, not their sum",
     "{}: средно по негативните примери вместо сума"),
    ("{} takes the context word for a negative, the negatives for context words",
     "{}: контекстната дума е взета за негативен пример, а негативните примери – за контекстни "
     "думи"),
    ("{} leaves the negatives out", "{}: негативните примери са изпуснати"),
    ("{} leaves the context word out", "{}: контекстната дума е изпусната"),
    ("{} is divided by n+1", "{}: разделено на n+1"),
    ("{} is not divided by S", "{}: не е разделено на S"),
    ("{} is divided by S twice", "{}: разделено е на S два пъти"),
    ("{} for scores of about {}", "{} при оценки около {}"),
    ("{} is {} for scores of about {}: exp or log overflows; compute with log(1 + exp(-abs(x))) "
     "and with exp(-abs(x))",
     "{}: {} при оценки около {}, защото exp или log препълва; смятайте с log(1 + exp(-abs(x))) "
     "и с exp(-abs(x))"),
    ("batched is only {} times as fast as a loop over {} observations: is there one in it?",
     "партидата е само {} пъти по-бърза от цикъл по {} наблюдения; има ли цикъл в нея?"),

    # Task 6.
    ("{} after one step", "{} след една стъпка"),
    ("{} was never changed", "{}: изобщо не е променено"),
    ("{} was changed only for context words, not for negatives",
     "{}: променено е само за контекстните думи, а не за негативните примери"),
    ("{} was changed only for negatives, not for context words",
     "{}: променено е само за негативните примери, а не за контекстните думи"),
    ("neither U nor V nor W is changed as it should",
     "нито U, нито V, нито W се променя, както трябва"),
    ("neither U nor V is changed as it should", "нито U, нито V се променя, както трябва"),
    ("{} is right for α = {} only", "{}: вярно е само за α = {}"),
    ("{} goes up the gradient, not down", "{}: стъпката е по градиента, а не срещу него"),
    ("the step of {} in gradients", "стъпката на {} в градиенти"),
    ("{} lacks α", "{}: липсва α"),
    ("{} is α·S, not α", "{}: α·S вместо α"),
    ("{} is α/S, not α; the gradients are means already",
     "{}: α/S вместо α; градиентите вече са средни"),
    ("{} lost gradients of words that are repeated in a batch",
     "{}: изгубени са градиенти на думи, които се повтарят в партидата"),
    ("{} lost one of two gradients: a word drawn twice in one context must get both",
     "{}: изгубен е един от два градиента; дума, изтеглена два пъти в един контекст, трябва да "
     "получи и двата"),
    ("data as {} of pairs must do, too", "data трябва да може да е и {} от двойки"),
    ("a list", "списък"),
    ("an array", "масив"),
    ("the pairs come in the order of data: shuffle them in each epoch",
     "двойките идват в реда на data: разбърквайте ги във всяка епоха"),
    ("contextFunction is called with a word that is no pair's context word",
     "contextFunction се вика с дума, която не е контекстна дума на никоя двойка"),
    ("lossAndGradientFunction is not called once a batch",
     "lossAndGradientFunction не се вика по веднъж за партида"),
    ("the batches are not of S pairs ({})", "партидите не са от по S двойки ({})"),
    ("their sizes are {}, expected {}", "размерите им са {}, очаквани са {}"),
    ("{} is right after one batch, but not after {} ({}): does each go on from the U, V and W of "
     "the one before?",
     "{} е вярно след една партида, но не и след {} ({}); продължава ли всяка от U, V и W на "
     "предишната?"),
    ("contextFunction is asked for {} contexts, expected {}: one a pair",
     "contextFunction се вика за {} контекста, очаквани са {}: по един за двойка"),
    ("the last batch of an epoch, the smaller one, is left out ({})",
     "последната партида на епохата, по-малката, е изпусната ({})"),
    ("the number of epochs is {}, expected {} ({})", "епохите са {}, очаквани са {} ({})"),
    ("an epoch does not go through each pair once ({})",
     "епохата не минава по веднъж през всяка двойка ({})"),
    ("epoch {} does not go through each pair once ({})",
     "епоха {} не минава по веднъж през всяка двойка ({})"),
    ("some come too often and others not at all; random.shuffle(data) does that to an array, "
     "np.random.shuffle(data) does not",
     "някои се повтарят, а други липсват; random.shuffle(data) прави така с масив, "
     "np.random.shuffle(data) – не"),
    ("in {} epochs of {} pairs each pair must come {} times",
     "за {} епохи от {} двойки всяка двойка трябва да дойде {} пъти"),
    ("in {} epochs of {} pairs each pair must come {} times, came {} to {}",
     "за {} епохи от {} двойки всяка двойка трябва да дойде {} пъти, дошла е от {} до {}"),

    # What modules do.
    ("there is no {}", "няма {}"),
    ("{} took longer than {} s", "{} продължи над {} s"),
    ("{} took longer than {} s before", "{} вече веднъж продължи над {} s"),
    ("{} ended its process {} times before", "{} вече прекрати процеса си {} пъти"),
    ("{} ended its process by the signal {}", "{} прекрати процеса си със сигнал {}"),
    ("{} ended its process with exit status {}", "{} прекрати процеса си с код {}"),
    ("{} used more than {} GB", "{} използва над {} GB"),
    ("{} had more than {} processes", "{} пусна над {} процеса"),
    ("{} wrote more than {} files", "{} записа над {} файла"),
    ("{} wrote rubbish to the grader ({})", "{} изпрати безсмислици на проверката ({})"),
    ("the time for this module is over", "времето за този модул изтече"),
    ("the process of this module had to be started {} times",
     "процесът на този модул трябваше да се пуска {} пъти"),
    ("what came cannot be judged: {}", "полученото не може да се прецени: {}"),
    ("{} changes its argument {}", "{} променя аргумента си {}"),
    ("the output of {} begins: {}", "изходът на {} започва с: {}"),
    ("{}: it calls exit({})", "{}: вика exit({})"),
    ("{} is still to be written: between the marks in {}",
     "{} още не е написано: между знаците в {}"),
    ("{}: NotImplementedError: {}", "{}: NotImplementedError: {}"),

    # What was handed in.
    ("not a readable zip file: {}", "не е четим архив zip: {}"),
    ("it holds {} files, more than {}", "в него има {} файла, над {}"),
    ("it holds more than {} files", "в него има над {} файла"),
    ("{} would be unpacked outside of its folder", "{} би се разархивирал извън папката си"),
    ("asks for a password", "иска парола"),
    ("larger than {} MB", "над {} MB"),
    ("not readable: {}", "не може да се прочете: {}"),
    ("damaged", "повредено"),
    ("packed by a method that is not read (number {}); pack it as usual",
     "архивирано е по метод, който не се чете (номер {}); архивирайте по обичайния начин"),
    ("{}, an archive in the hand-in, was looked into", "{}, архив в архива, също беше прегледан"),
    ("not looked into: {}", "не са прегледани: {}"),
    ("there is no {}; not taken for it: {}", "няма {}; не са взети за него: {}"),
    ("links or special files, which are not followed: {}",
     "връзки или особени файлове, които не се следват: {}"),
    ("{}: notebooks are not graded, only {}", "{}: не се оценяват тетрадки, а само {}"),
    ("not taken, since there are too many files: {}", "не са взети, защото файловете са много: {}"),
    ("{} was taken as {}", "{} беше взет за {}"),
    ("{}: nothing is written in {}", "{}: в {} не е написано нищо"),
    ("graded: {}; other copies, not graded: {}", "оценени: {}; други копия, неоценени: {}"),
    ("graded: {} ({}); other copies, not graded: {}",
     "оценени: {} ({}); други копия, неоценени: {}"),
    ("all three lie together there", "там са и трите заедно"),
    ("more is written there", "там е написано повече"),
    ("more of them lie there", "там са повече от тях"),
    ("they are less deep", "те са по-малко навътре"),
    ("they are newer", "те са по-нови"),
    ("also there: {}", "има още: {}"),
    ("{} archives; {}, {}, was graded; also there: {}",
     "{} архива; оценен е {}, {}; има още: {}"),
    ("the newest", "най-новият"),
    ("the newest with the modules", "най-новият с модулите"),
    ("{} was graded; also there: {}", "оценен е {}; има още: {}"),
    ("loose files ({})", "отделни файлове ({})"),
    ("a text typed in Moodle, no files", "текст, написан в Moodle, без файлове"),
    ("an empty folder", "празна папка"),
    ("not a .zip file: ask for one, or hand the grader a folder with the files",
     "не е файл .zip: предайте .zip"),
    ("a {} archive: ask for a .zip, or unpack it and hand the grader the folder",
     "архив {}: предайте .zip"),
    ("an {} archive: ask for a .zip, or unpack it and hand the grader the folder",
     "архив {}: предайте .zip"),
    ("cannot be unpacked: {}", "не може да се разархивира: {}"),

    # Arrays and picture.
    ("missing", "липсва"),
    ("none (optional)", "няма (не е задължителен)"),
    ("{} words", "{} думи"),
    ("{}, expected a square matrix", "{}, очаквана е квадратна матрица"),
    ("{}, but {} fits U", "{}, но на U подхожда {}"),
    ("{}; the assignment asks for {}", "{}; заданието иска {}"),
    ("holds Python objects, which only a pickle can", "съдържа обекти на Python (pickle)"),
    ("holds {}, expected floats", "съдържа {}, очаквани са дробни числа"),
    ("has {} axes, expected 2", "има {} измерения, очаквани са 2"),
    ("holds more or fewer numbers than it says, or none",
     "числата са повече или по-малко, отколкото пише, или ги няма"),
    ("{}, {} of its numbers are NaN or infinite", "{}, {} от числата са NaN или безкрайни"),
    ("not an .npy file", "не е файл .npy"),
    ("not a text in UTF-8", "не е текст в UTF-8"),
    ("{} words, {} of them repeated", "{} думи, {} от тях повторени"),
    ("{} words, but U has {} rows", "{} думи, но U има {} реда"),
    ("{} pixels", "{} пиксела"),
    ("{}, a {}", "{}, {}"),
    ("{}, all of one colour", "{}, само в един цвят"),
    ("{}, too large to be looked at", "{}, твърде голяма, за да се погледне"),
    ("too large to be looked at", "твърде голяма, за да се погледне"),
    ("not a picture, or a broken one", "не е картинка или е повредена"),
    ("embeddings not judged: {}", "влаганията не са преценени: {}"),
    ("{} rows, but the corpus has {} words", "{} реда, но корпусът има {} думи"),
    ("w2v-words.txt is not of this corpus", "w2v-words.txt не е на този корпус"),
    ("loss of the embeddings {}; a model that ignores the target word has at least {}",
     "загуба на влаганията {}; модел, който не гледа целевата дума, има поне {}"),

    # Likeness.
    ("{} and {}: {} % alike: {}", "{} и {}: {} % еднакви: {}"),
    ("{} and {}: {} % alike", "{} и {}: {} % еднакви"),
    ("{}: only the first {} kB of a file, and the first {} files, were compared with others",
     "{}: с другите са сравнени само първите {} kB на всеки файл и първите {} файла"),
]
LANGUAGES = {"bg": BULGARIAN}


def translated(text, language):
    """Return a text of ours in a language; what is not known there stays in English."""
    if language not in LANGUAGES:
        return text
    for pattern, template in patterns(language):
        match = pattern.fullmatch(text)
        if match:
            parts = [translated(part, language) for part in match.groups()]
            return template.format(*parts)
    return text


@cache
def patterns(language):
    """List the patterns of a language's templates, the most specific first."""
    templates = sorted(LANGUAGES[language], key=lambda pair: literal_length(pair[0]), reverse=True)
    found = []
    for english, other in templates:
        literals = map(re.escape, english.split("{}"))
        found.append((re.compile("(.+?)".join(literals), re.DOTALL), other))
    return found


def literal_length(template):
    return len(template.replace("{}", ""))
